"""The operators' dashboard: server-rendered pages under `/dashboard`, for people who run a platform."""
