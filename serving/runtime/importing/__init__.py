"""Imports asked for on the dashboard: uploaded files, how they are to be read, and the thread that imports them."""
