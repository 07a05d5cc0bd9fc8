"""Files as tables of rows: text, workbooks, web pages, JSON Lines, Parquet; where the table is and what is no record."""
