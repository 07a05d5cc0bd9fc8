"""匹配: demands, what is recommended for them, and one pair, side by side; and what is given to firms."""
