"""Technical terms: mining, tagging, key phrases, types, frequencies and the vocabulary."""
