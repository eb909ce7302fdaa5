"""One repository for each group of tables; all SQL that writes is here."""
