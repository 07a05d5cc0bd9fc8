"""What an import would do, before anything is written, and drafts of imports that can be corrected."""
