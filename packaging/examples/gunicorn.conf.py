"""gunicorn behind logreel: everything goes to standard error and standard output, and
no worker ever opens a log file. Started by logreel, which keeps long records whole:

    logreel '/var/log/shop/%Y-%m-%d.log' -- gunicorn --config=gunicorn.conf.py shop.wsgi 2>>/var/log/shop/logreel.err

Or in a pipe of the shell:

    gunicorn --config=gunicorn.conf.py shop.wsgi 2>&1 | logreel '/var/log/shop/%Y-%m-%d.log' 2>>/var/log/shop/logreel.err

- 2>> takes what logreel itself has to say. With 2> every start would empty that file.
- Do not write --error-logfile >(logreel …): with --capture-output gunicorn does not start
  ("File or stream is not seekable"), and without it standard error goes elsewhere.
- Do not set PYTHONUNBUFFERED=1. Python then drops the rest of a long record when a signal
  interrupts its write (https://github.com/python/cpython/issues/85393), and gunicorn's
  workers get signals. What is printed comes in time by the line below, and whole.
- No --daemon and no daemon = True: gunicorn then leaves the output, and nothing is logged.
"""

import sys

# Python keeps what is printed until 8 KiB are full, where no terminal is.
sys.stdout.reconfigure(line_buffering=True)

bind = "127.0.0.1:8000"
workers = 4

# Standard output and standard error. Unlike the access log, the error log is there
# without being asked for.
accesslog = "-"
errorlog = "-"
