"""Records of declared kinds in the same engine: indexed like achievements, ordered by what their texts say."""
