"""How well texts are read: term extraction and quantities against human marks."""
