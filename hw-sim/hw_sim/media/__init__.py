"""What the simulated unit sees, hears and says: scene or film, air, camera, microphone, loudspeaker."""
