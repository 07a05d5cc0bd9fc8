"""Whole servers measured, on the machine that they run on."""
