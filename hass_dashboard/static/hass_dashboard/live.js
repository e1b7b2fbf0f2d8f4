/* Panes that change are asked for again while somebody looks at them. */
$(function () {
  'use strict';
  var waiting = 'hass-live-waiting';

  function ask() {
    var $pane = $(this).addClass(waiting);
    $.get($pane.attr('data-live-url')).done(function (html) {
      var $fresh = $($.parseHTML(html)).filter('.hass-live');
      if ($fresh.length === 0) {
        /* Logged out, or gone: what stands there stays. */
        $pane.removeAttr('data-live-url');
      } else {
        $pane.replaceWith($fresh);
      }
    }).fail(function () {
      $pane.removeClass(waiting);
    });
  }

  setInterval(function () {
    $('.hass-live[data-live-url]:visible').not('.' + waiting).each(ask);
  }, 2500);
});
