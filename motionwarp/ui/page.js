// clips beside each other are played in step: each from the second at which they belong together
document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".mw-play");
    if (!button) {
        return;
    }
    for (const video of button.closest(".mw-clips").querySelectorAll("video")) {
        video.currentTime = Number(video.dataset.begin || 0);
        video.play();
    }
});

watchAvatarViews();
