"""Commands of this room: build, train, retrain, evaluate, promote, monitor."""
