"""A chat model's word on pairs: levels with quotes, shown beside people's judgements, never learned from."""
