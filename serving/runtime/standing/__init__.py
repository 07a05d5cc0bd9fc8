"""Standing requests at work: matched with what is written, their notices carried by signed webhooks."""
