"""A chat model as a judge of served lists, beside people and never among them."""
