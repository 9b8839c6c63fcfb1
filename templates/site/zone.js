(function () {
  "use strict";
  var field = document.getElementById("timezone"), zone;
  try { zone = Intl.DateTimeFormat().resolvedOptions().timeZone; } catch (error) { return; }
  if (!field || !zone || !field.hasAttribute("data-guess")) return;
  if (!field.options) { field.value = zone; return; }
  for (var i = 0; i < field.options.length; i += 1) if (field.options[i].value === zone) { field.value = zone; return; }
})();
