"""The shop's pages."""

import logging
import time

from django.http import StreamingHttpResponse
from django.urls import path

from sealed import FILLER, filler
from shop.payment import pay

log = logging.getLogger(__name__)


def order(request, number, records, pause):
    """Begins to answer, logs half of the records, pauses (in milliseconds), logs
    the other half, and ends the answer: who has read it to its end knows that every
    record was logged, and who has read its beginning, that it is being handled. A
    number that ends in @SIZE wants records of so many bytes."""
    _, _, size = number.partition("@")

    def text(sequence):
        return filler(number, sequence, int(size)) if size else FILLER

    def handle():
        yield f"begun {number}\n"
        for sequence in range(records):
            if sequence == records // 2:
                time.sleep(pause / 1000)
            log.info("%s %d %s", number, sequence, text(sequence))
        yield f"done {number}\n"

    return StreamingHttpResponse(handle(), content_type="text/plain")


urlpatterns = [
    path("orders/<str:number>/<int:records>/<int:pause>", order),
    path("pay/<str:number>/<int:size>", pay),
]
