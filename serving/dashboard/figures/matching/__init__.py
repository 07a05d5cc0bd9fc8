"""What the pages of 匹配 show: the list of demands, cards and their causes, files for firms."""
