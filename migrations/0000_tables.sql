CREATE TABLE `bodies` (
	`email_id` text NOT NULL,
	`part` text NOT NULL,
	`seq` integer NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`email_id`, `part`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `emails` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`kind` text NOT NULL,
	`from` text NOT NULL,
	`to` text NOT NULL,
	`cc` text NOT NULL,
	`bcc` text NOT NULL,
	`reply_to` text NOT NULL,
	`subject` text NOT NULL,
	`message_id` text,
	`headers` text NOT NULL,
	`tags` text NOT NULL,
	`attachments` text NOT NULL,
	`track_opens` integer NOT NULL,
	`track_clicks` integer NOT NULL,
	`relay` text,
	`size` integer NOT NULL,
	`scheduled_at` integer,
	`expires_at` integer NOT NULL,
	`last_event` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `events` (
	`id` text PRIMARY KEY NOT NULL,
	`email_id` text NOT NULL,
	`recipient` integer,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`data` text NOT NULL,
	`relay` text GENERATED ALWAYS AS (data ->> '$.attempt.relay') VIRTUAL,
	`category` text GENERATED ALWAYS AS (coalesce(data ->> '$.attempt.category', data ->> '$.category')) VIRTUAL
);
--> statement-breakpoint
CREATE INDEX `events_email` ON `events` (`email_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `events_recipient` ON `events` (`email_id`,`recipient`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `events_type` ON `events` (`type`,`at`);--> statement-breakpoint
CREATE TABLE `recipients` (
	`email_id` text NOT NULL,
	`idx` integer NOT NULL,
	`address` text NOT NULL,
	`domain` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`relay` text,
	`code` integer,
	`enhanced` text,
	`reply` text,
	`category` text,
	`sentence` text,
	`updated_at` integer,
	PRIMARY KEY(`email_id`, `idx`)
);
--> statement-breakpoint
CREATE INDEX `recipients_status` ON `recipients` (`email_id`,`status`);--> statement-breakpoint
CREATE INDEX `recipients_address` ON `recipients` (`address`);--> statement-breakpoint
CREATE TABLE `statuses` (
	`name` text PRIMARY KEY NOT NULL,
	`rank` integer NOT NULL,
	`of_email` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `statuses_rank_unique` ON `statuses` (`rank`);