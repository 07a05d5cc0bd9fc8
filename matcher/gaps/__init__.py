"""Gap reports for unanswered demands and advice to holders."""
