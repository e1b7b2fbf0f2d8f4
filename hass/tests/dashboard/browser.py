# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""A real browser, and what a person does with it."""

import functools
from importlib import resources
import io
import os
import pathlib

from PIL import Image
from selenium.common import exceptions
from selenium import webdriver
from selenium.webdriver.chrome import service
from selenium.webdriver.common import by
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support import ui

from tools import packages

SECONDS = 120
CSS = by.By.CSS_SELECTOR
LINK = by.By.LINK_TEXT
XPATH = by.By.XPATH

# What the law of many countries asks for: WCAG 2, levels A and AA.
AXE = """
    const tags = {type: 'tag', values: ['wcag2a', 'wcag2aa']};
    axe.run(arguments[0], {runOnly: tags}).then(arguments[1]);
"""
# Barriers in Horizon 27 itself: its colours, the arrow of its menus of
# buttons, the field of its filters, the arrows of its number fields.
OF_HORIZON = (
    ('color-contrast', ''),
    ('link-name', 'dropdown-toggle'),
    ('label', '__q"'),
    ('button-name', 'themable-spinner-btn'),
)


class Browser:
    """Headless Chromium, from Debian.

    :raises LeftOut: it cannot be had here
    """

    def __init__(self):
        packages.ensure('chromium', 'chromium-driver')
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for one in (
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-background-networking',
            '--disable-dev-shm-usage',
            '--no-first-run',
            '--window-size=1280,800',
            '--force-color-profile=srgb',
        ):
            options.add_argument(one)
        driver = service.Service('/usr/bin/chromedriver')
        self.driver = webdriver.Chrome(options, driver)
        self.driver.set_page_load_timeout(300)
        # Of a page that is drawn anew while we look the driver says many
        # things: stale, covered, "does not belong to the document".
        self._wait = ui.WebDriverWait(
            self.driver, SECONDS, 0.1, [exceptions.WebDriverException]
        )

    def close(self):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def find(self, selector, how=CSS):
        """The first that can be seen, once it can be."""
        return self._until(
            until.visibility_of_element_located((how, selector)), selector
        )

    def _until(self, condition, wanted):
        """Wait; who waits in vain is told what the page shows."""
        try:
            return self._wait.until(condition)
        except exceptions.TimeoutException:
            where = self.driver.current_url
            body = self.driver.find_element(CSS, 'body')
            raise AssertionError(
                f'{wanted} never came on {where}: {body.text}'
            ) from None

    def _act(self, condition, act, wanted):
        """What an act on that which a condition finds gives, once it can."""

        def done(driver):
            found = condition(driver)
            return (act(found),) if found else None

        return self._until(done, wanted)[0]

    def click(self, selector, how=CSS):
        """Once that can be done."""
        ready = until.element_to_be_clickable((how, selector))
        self._act(ready, _click, selector)

    def press(self, text):
        """A button or link that reads so."""
        same = f'normalize-space(.)="{text}"'
        wanted = f'//*[self::a or self::button][{same}]'
        wanted += f'|//input[@type="submit"][@value="{text}"]'

        def shown(driver):
            found = driver.find_elements(XPATH, wanted)
            return next((one for one in found if one.is_displayed()), None)

        self._act(shown, _click, text)

    def submit(self, form):
        """:param form: its id"""
        self.click(f'#{form} [type="submit"]')

    def fill(self, name, text):
        """A field of a form."""
        shown = until.visibility_of_element_located((CSS, f'[name="{name}"]'))

        def write(field):
            field.clear()
            field.send_keys(text)

        self._act(shown, write, name)

    def tick(self, name, value):
        """A checkbox of several; the theme draws another over it."""
        self._tick(f'input[name="{name}"][value="{value}"]')

    def _tick(self, box):
        present = until.presence_of_element_located((CSS, box))
        click = 'arguments[0].click()'
        self._act(
            present, lambda it: self.driver.execute_script(click, it), box
        )

    def choose(self, name, value):
        """An entry of a list; the theme draws another over it."""
        present = until.presence_of_element_located(
            (CSS, f'select[name="{name}"]')
        )
        change = 'jQuery(arguments[0]).val(arguments[1]).trigger("change")'
        self._act(
            present,
            lambda it: self.driver.execute_script(change, it, value),
            name,
        )

    def said(self, text, selector='body'):
        """Wait for words on the page."""
        there = until.text_to_be_present_in_element((CSS, selector), text)
        self._until(there, repr(text))

    def gone(self, selector):
        """Wait until something cannot be seen any more."""
        away = until.invisibility_of_element_located((CSS, selector))
        self._until(away, f'the end of {selector}')

    def text(self, selector='body'):
        there = until.presence_of_element_located((CSS, selector))
        return self._act(there, lambda it: it.text, selector)

    def count(self, selector):
        return len(self.driver.find_elements(CSS, selector))

    def rows(self, table):
        """Texts of the cells of each row, without boxes and buttons.

        :param table: its id
        """
        cells = 'td:not(.multi_select_column):not(.actions_column)'
        shown = until.visibility_of_element_located((CSS, f'#{table}'))

        def texts(found):
            rows = found.find_elements(CSS, 'tbody tr[data-object-id]')
            return [
                [cell.text for cell in row.find_elements(CSS, cells)]
                for row in rows
            ]

        return self._act(shown, texts, table)

    def row_button(self, table, row, text):
        """One of the buttons of a row, wherever it is hidden.

        :param row: what data-display says of it
        """
        here = f'#{table} tr[data-display="{row}"] td.actions_column'
        more = (CSS, f'{here} .dropdown-toggle')

        def wanted(driver):
            for one in driver.find_elements(CSS, f'{here} a, {here} button'):
                if (one.get_attribute('textContent') or '').strip() == text:
                    if one.is_displayed():
                        return until.element_to_be_clickable(one)(driver)
                    driver.find_element(*more).click()
            return None

        self._act(wanted, _click, text)

    def select(self, table, row):
        """Tick the box of a row."""
        self._tick(f'#{table} tr[data-display="{row}"] [name="object_ids"]')

    def confirm(self):
        """What Horizon asks once more before it does it."""
        footer = '.modal.in .modal-footer a.btn'
        self.click(f'{footer}-danger, {footer}-primary')

    def barriers(self, selector):
        """What axe finds in pages of ours: broken rules, and where.

        What Horizon draws around them in all of its pages is left out.
        """
        source = resources.files('axe_core_python') / 'axe.min.js'
        self.driver.execute_script(source.read_text())
        self.driver.set_script_timeout(SECONDS)
        found = self.driver.execute_async_script(AXE, selector)
        return [
            f'{rule["id"]}: {node["html"]}'
            for rule in found['violations']
            for node in rule['nodes']
            if not _of_horizon(rule['id'], node['html'])
        ]

    def picture(self, name):
        """For the documentation, if somebody wants the pictures."""
        folder = os.environ.get('HASS_PICTURES')
        if folder is None:
            return
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        shot = io.BytesIO(self.driver.get_screenshot_as_png())
        picture = Image.open(shot).convert('RGB').quantize(64)
        picture.save(pathlib.Path(folder, f'{name}.png'), optimize=True)


def _click(found):
    found.click()


def _of_horizon(rule, html):
    return any(rule == one and part in html for one, part in OF_HORIZON)


@functools.cache
def browser() -> Browser:
    """The browser of this process."""
    return Browser()
