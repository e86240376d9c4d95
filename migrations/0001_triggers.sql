-- What keeps statuses true. The rule: a status is only ever replaced by one of higher rank, so events may arrive in any
-- order and end the same. A repeated insert is ignored by its primary key and fires no trigger: nothing counts twice.
INSERT INTO `statuses` (`name`, `rank`, `of_email`) VALUES
	('queued', 0, 1), -- accepted
	('scheduled', 10, 1), -- accepted, for later
	('delivery_delayed', 20, 1), -- an attempt failed in a way that may pass
	('canceled', 30, 1), -- below sent: what a relay took before the cancelling was sent all the same
	('failed', 40, 1), -- given up by us, a guess; word from a relay or a reader is worth more
	('suppressed', 50, 1), -- never tried; also when found out only after a delay
	('sent', 60, 1), -- a relay took it
	('delivered', 70, 1), -- a server beyond the relay took it
	('opened', 80, 1),
	('clicked', 90, 1),
	('bounced', 100, 1), -- above opened: scanners in front of a mailbox open what the mailbox then refuses
	('unsubscribed', 110, 0), -- a wish, kept in sight whatever is opened later; not a name Resend has for an email
	('complained', 120, 1) -- likewise
;
--> statement-breakpoint
-- One recipient's status, attempts and time.
CREATE TRIGGER `events_move_recipient` AFTER INSERT ON `events` WHEN NEW.recipient IS NOT NULL
BEGIN
	UPDATE recipients SET
		status = CASE
			WHEN (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7)) > (SELECT rank FROM statuses WHERE name = status)
			THEN substr(NEW.type, 7) ELSE status END,
		attempts = max(attempts, coalesce(NEW.data ->> '$.attempt.number', 0)),
		updated_at = max(coalesce(updated_at, 0), NEW.at)
	WHERE email_id = NEW.email_id AND idx = NEW.recipient;
END;
--> statement-breakpoint
-- What the relay last said, from the newest attempt; why, from the newest event that tells.
CREATE TRIGGER `events_explain_recipient` AFTER INSERT ON `events`
WHEN NEW.recipient IS NOT NULL AND coalesce(NEW.data -> '$.attempt', NEW.data -> '$.category', NEW.data -> '$.reason') IS NOT NULL
BEGIN
	UPDATE recipients SET
		(relay, code, enhanced, reply) = (
			SELECT data ->> '$.attempt.relay', data ->> '$.attempt.code', data ->> '$.attempt.enhanced', data ->> '$.attempt.text'
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient AND data -> '$.attempt' IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1),
		(category, sentence) = (
			SELECT coalesce(data ->> '$.attempt.category', data ->> '$.category'), coalesce(data ->> '$.attempt.sentence', data ->> '$.reason')
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient
			AND coalesce(data -> '$.attempt', data -> '$.category', data -> '$.reason') IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1)
	WHERE email_id = NEW.email_id AND idx = NEW.recipient;
END;
--> statement-breakpoint
-- An event of the email as a whole moves every recipient that has not come further.
CREATE TRIGGER `events_move_all` AFTER INSERT ON `events` WHEN NEW.recipient IS NULL
BEGIN
	UPDATE recipients SET
		status = substr(NEW.type, 7),
		sentence = coalesce(NEW.data ->> '$.reason', sentence),
		updated_at = max(coalesce(updated_at, 0), NEW.at)
	WHERE email_id = NEW.email_id
		AND (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7)) > (SELECT rank FROM statuses WHERE name = status);
END;
--> statement-breakpoint
-- The email as a whole: the furthest any recipient has come, and the time of its newest event.
CREATE TRIGGER `events_move_email` AFTER INSERT ON `events`
BEGIN
	UPDATE emails SET
		last_event = CASE
			WHEN (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7) AND of_email = 1) > (SELECT rank FROM statuses WHERE name = last_event)
			THEN substr(NEW.type, 7) ELSE last_event END,
		updated_at = max(updated_at, NEW.at)
	WHERE id = NEW.email_id;
END;
--> statement-breakpoint
-- The newest plan counts.
CREATE TRIGGER `events_reschedule` AFTER INSERT ON `events` WHEN NEW.type = 'email.scheduled'
BEGIN
	UPDATE emails SET scheduled_at = coalesce((
			SELECT data ->> '$.scheduled_at' FROM events WHERE email_id = NEW.email_id AND type = 'email.scheduled'
			ORDER BY at DESC, id DESC LIMIT 1), scheduled_at)
	WHERE id = NEW.email_id;
END;
--> statement-breakpoint
-- Events that were there before their recipient.
CREATE TRIGGER `recipients_catch_up` AFTER INSERT ON `recipients`
WHEN EXISTS (SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx)
	OR EXISTS (SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient IS NULL)
BEGIN
	UPDATE recipients SET
		status = (
			SELECT name FROM statuses WHERE name = NEW.status
				OR name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx)
				OR name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.email_id AND recipient IS NULL)
			ORDER BY rank DESC LIMIT 1),
		attempts = max(attempts, coalesce((
			SELECT max(data ->> '$.attempt.number') FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx), 0)),
		updated_at = (SELECT max(at) FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx),
		(relay, code, enhanced, reply) = (
			SELECT data ->> '$.attempt.relay', data ->> '$.attempt.code', data ->> '$.attempt.enhanced', data ->> '$.attempt.text'
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx AND data -> '$.attempt' IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1),
		(category, sentence) = (
			SELECT coalesce(data ->> '$.attempt.category', data ->> '$.category'), coalesce(data ->> '$.attempt.sentence', data ->> '$.reason')
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx
			AND coalesce(data -> '$.attempt', data -> '$.category', data -> '$.reason') IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1)
	WHERE email_id = NEW.email_id AND idx = NEW.idx;
END;
--> statement-breakpoint
-- Events that were there before their email.
CREATE TRIGGER `emails_catch_up` AFTER INSERT ON `emails`
WHEN EXISTS (SELECT 1 FROM events WHERE email_id = NEW.id)
BEGIN
	UPDATE emails SET
		last_event = (
			SELECT name FROM statuses WHERE name = NEW.last_event
				OR (of_email = 1 AND name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.id))
			ORDER BY rank DESC LIMIT 1),
		updated_at = max(updated_at, (SELECT max(at) FROM events WHERE email_id = NEW.id)),
		scheduled_at = coalesce((
			SELECT data ->> '$.scheduled_at' FROM events WHERE email_id = NEW.id AND type = 'email.scheduled'
			ORDER BY at DESC, id DESC LIMIT 1), scheduled_at)
	WHERE id = NEW.id;
END;
