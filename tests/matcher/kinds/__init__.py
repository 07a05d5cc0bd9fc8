"""Tests of matcher/kinds."""
