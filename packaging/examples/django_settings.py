"""Logging for Django: to standard error, nothing else. Add it to settings.py.

No FileHandler and none of the rotating ones: each worker would hold one of its own on the
same file. logreel writes the files, see gunicorn.conf.py and uwsgi.ini.

Under uWSGI mind TIME_ZONE: Django puts it into the environment in which uWSGI starts its
logger, so that logreel takes it for the names of the files. Say --tz or --utc there.
"""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} [{process}] {name}: {message}",
            "style": "{",
        },
    },
    "handlers": {
        # Standard error is what it takes if no stream is given.
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Without this, Django's own handlers stay, and its lines would come twice.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
