from plugins.csv_reader import read
