"""The question worth asking, the answers to it, and how complete a demand is."""
