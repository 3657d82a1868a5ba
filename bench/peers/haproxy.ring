ring requests
  format raw
  maxlen 1024
  size 4194304
