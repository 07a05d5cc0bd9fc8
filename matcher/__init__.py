"""From a demand to explained matches: channels, filters, fusion, features, scoring, reasons, bundle and engine."""
