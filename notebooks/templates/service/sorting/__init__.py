"""A small service: it says which bin of the town a thing goes into."""
