"""A page of the platform in a real browser, found by what its parts are called for tests."""

from typing import Final

from playwright.sync_api import Browser, Page, expect

VIEWPORTS: Final = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 375, "height": 812}}


class Screen:
    """A page of the platform; every error that the browser reports fails the test."""

    def __init__(self, browser: Browser, base_url: str, viewport: str) -> None:
        self.context = browser.new_context(viewport=VIEWPORTS[viewport])
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message))
        self.base_url = base_url

    @property
    def is_phone(self) -> bool:
        return self.page.viewport_size == VIEWPORTS["phone"]

    def _note(self, message) -> None:
        if message.type == "error" and "401" not in message.text:
            self.errors.append(message.text)

    def find(self, name: str):
        return self.page.get_by_test_id(name)

    def log_in(self, path: str = "/") -> None:
        self.page.goto(self.base_url + path)
        self.find("login-username").fill("alice")
        self.find("login-password").fill("demo-password")
        self.find("login-submit").click()

    def go_to_account(self, account_id: str) -> None:
        self.log_in(f"/accounts/{account_id}")
        expect(self.find("connection-state")).to_contain_text("Live", timeout=15_000)

    def show(self, panel: str) -> None:
        """Go to a panel, which on a phone has the screen for itself."""
        if self.is_phone:
            self.find(f"nav-{panel}").click()

    def fill_ticket(self, side: str, quantity: str, symbol: str, **terms: str) -> None:
        """Fill the order ticket: `type` and `time_in_force` are chosen, `stop` and `limit` typed."""
        self.show("ticket")
        self.find("ticket-symbol").fill(symbol)
        self.find("ticket-symbol").press("Enter")
        self.find(f"ticket-side-{side.lower()}").click()
        for choice in ("type", "time_in_force"):
            if choice in terms:
                self.find(f"ticket-{choice.replace('_', '-')}").select_option(terms[choice])
        self.find("ticket-quantity").fill(quantity)
        for price in ("stop", "limit"):
            if price in terms:
                self.find(f"ticket-{price}").fill(terms[price])
