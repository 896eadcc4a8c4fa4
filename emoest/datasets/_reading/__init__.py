"""What loaders share: files, tables, encodings, the record and the Bunch."""
