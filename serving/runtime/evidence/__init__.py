"""Evidence on its way to the chain: journals that survive the process, chained in the background, a root a day."""
