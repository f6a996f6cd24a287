/* The banner of a support session: how much time is left. At its end the page is loaded anew, which tells that the session is over. */
(() => {
  const show = () => {
    for (const clock of document.querySelectorAll("[data-countdown]")) {
      const left = Math.floor((new Date(clock.dateTime) - Date.now()) / 1000);
      if (left <= 0) {
        location.reload();
        return;
      }
      clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  };
  show();
  setInterval(show, 1000);
})();
