"""Tests of serving/launch."""
