"""Building, distilling, fine-tuning and judging the text encoder that ships with the project."""
