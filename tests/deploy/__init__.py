"""Deployment files and their rehearsal."""
