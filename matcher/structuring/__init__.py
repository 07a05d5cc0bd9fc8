"""A pasted need as a demand: read by rules, and by a chat model whose every item is checked."""
