"""Enrolment: seal what one trusted deployment answers, so that only its own noise counts. Needs no torch."""

from modelprint.enrolment.enrol import EnrolmentReport, enrol
from modelprint.enrolment.plan import EnrolmentPlan

__all__ = ["EnrolmentPlan", "EnrolmentReport", "enrol"]
