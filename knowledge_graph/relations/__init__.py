"""Relations between terms: definitions, extraction, synonyms and their matrix."""
