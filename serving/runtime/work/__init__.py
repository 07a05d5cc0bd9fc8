"""Work between the parties: orders of services."""
