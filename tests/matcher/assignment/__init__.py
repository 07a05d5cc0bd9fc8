"""Tests of matcher/assignment."""
