"""This app's errors as problems of the REST API, each with its stable code."""

from typing import Final

from rest_framework import exceptions, status

from temporal.errors import (
    BeforeOpening,
    FutureInstant,
    HistoryDamaged,
    HistoryUnavailable,
    InvalidLimits,
    InvalidMoment,
    ReplayFailed,
    TemporalError,
    TooManyEvents,
    UnknownAccount,
)

_STATUSES: Final[dict[type[TemporalError], int]] = {
    InvalidMoment: status.HTTP_400_BAD_REQUEST,
    FutureInstant: status.HTTP_400_BAD_REQUEST,
    BeforeOpening: status.HTTP_404_NOT_FOUND,
    UnknownAccount: status.HTTP_404_NOT_FOUND,
    HistoryDamaged: status.HTTP_500_INTERNAL_SERVER_ERROR,
    HistoryUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    InvalidLimits: status.HTTP_400_BAD_REQUEST,
    TooManyEvents: status.HTTP_400_BAD_REQUEST,
    ReplayFailed: status.HTTP_500_INTERNAL_SERVER_ERROR,
}


class TemporalProblem(exceptions.APIException):
    """An error of time travel, as a view raises it."""

    def __init__(self, error: TemporalError) -> None:
        super().__init__(str(error))
        self.status_code = _STATUSES[type(error)]
        self.default_code = error.code
