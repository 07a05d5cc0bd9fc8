"""Cross-validated evaluation on judged pairs, recall of the channels, systems and reports."""
