"""From files and frames to histories and splits; nothing here touches SQLite."""
