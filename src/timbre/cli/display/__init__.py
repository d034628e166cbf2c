"""What commands show: results, tables, reports and progress, for people and as JSON."""
