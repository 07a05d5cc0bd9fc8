"""The running server: live bundle, engine threads, storage, cache and periodic tasks."""
