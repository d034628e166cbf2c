"""What commands need of a server: its data folder, database, gallery, processes and logs."""
