"""A shop without a database that logs to standard error."""

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
# Django puts it into the environment, where uWSGI's logger inherits it; without it
# the names would be in the time of Chicago.
TIME_ZONE = "UTC"
LEVELS = {"handlers": ["levels"], "level": "DEBUG", "propagate": False}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "sealed": {"()": "sealed.Sealed"},
        "levels": {"()": "sealed.Sealed", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "sealed"},
        "levels": {"class": "logging.StreamHandler", "formatter": "levels"},
    },
    "loggers": {
        "shop": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "shop.payment": LEVELS,
        # What a view raises.
        "django.request": LEVELS,
    },
}
