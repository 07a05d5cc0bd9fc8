"""Routes that a model behind an endpoint may help; they answer without it too."""
