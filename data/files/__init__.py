"""Files of records, events and judgements: readers, headers, rows, rejects and the importer."""
