"""What was found, as text, HTML, JUnit and annotations. Renders; decides nothing."""
