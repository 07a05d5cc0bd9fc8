"""Tests of routes of the work between the parties."""
